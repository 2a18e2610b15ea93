-- Deletes a canned reply, if there is one of that name.
-- KEYS  1 prefix
-- ARGV  1 name
-- Gives {'ok'}
redis.call('HDEL', KEYS[1] .. 'canned', ARGV[1])

return { 'ok' }
