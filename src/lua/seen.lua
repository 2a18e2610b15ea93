-- Notes when hosts last polled; a worker tells of many at once.
-- KEYS  1 prefix
-- ARGV  1 'host age host age ...', ages in milliseconds
-- Gives {'ok'}
-- include clock
local now = math.floor(clock() / 1000)

for host, age in string.gmatch(ARGV[1], '(%d+) (%d+)') do
    redis.call('ZADD', KEYS[1] .. 'hosts', 'GT',
               string.format('%d', now - age), host)
end

return { 'ok' }
