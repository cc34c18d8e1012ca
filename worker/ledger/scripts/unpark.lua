-- Brings back what waits for something; returns how many events that wakes.
return unpark(a.name)
