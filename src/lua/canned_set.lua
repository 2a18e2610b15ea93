-- Writes a canned reply, a new one or in the place of another.
-- KEYS  1 prefix
-- ARGV  1 name  2 text (base64)  3 operator, or ''
-- Gives {'ok'} | {'canned_full'}
-- include clock
local key = KEYS[1] .. 'canned'
local name, text, operator = ARGV[1], ARGV[2], ARGV[3]

if not redis.call('HGET', key, name) and #redis.call('HKEYS', key) >= 500 then
    return { 'canned_full' }
end

redis.call('HSET', key, name, string.format('%d', clock() / 1000) .. '\n'
                              .. operator .. '\n' .. text)

return { 'ok' }
