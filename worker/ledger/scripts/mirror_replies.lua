-- Returns ids of replies that came in at least so long ago.
return redis.call('ZRANGEBYSCORE', REPLIES, '-inf', int(now - a.age), 'LIMIT', 0, int(a.most))
