-- Never answer these people again.
suppress(a.people, a.reason)
return 'ok'
