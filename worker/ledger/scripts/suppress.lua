-- Never answer these people again.
suppress(a.people, a.reason)
owe(a.key, a.deeds)
return 'ok'
