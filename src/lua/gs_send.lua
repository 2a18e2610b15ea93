-- A player writes to its GM.
-- KEYS  1 prefix
-- ARGV  1 uid  2 msg (base64)  3 msgid, or ''  4 history  5 entries  6 bytes
--       7 keep  8 ttl in seconds  9 hosts (',1001,1002,') that the caller may
--       speak for, or ''
-- Gives {'ok', id, repeat[, receiver]} | {'no_friend_gm'} | {'host_forbidden'}
--       | {'full'} | {'msgid_reused'}; a repeat has no receiver
-- Event to the GM: the message; to all GMs, where that GM had none to take
-- include clock
-- include append
-- include sent
-- include converse
-- include wake
local prefix = KEYS[1]
local uid, msg, msgid, history = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local entries, bytes, keep, ttl, hosts = ARGV[5], ARGV[6], ARGV[7], ARGV[8],
                                         ARGV[9]
local sent = msgid ~= '' and prefix .. 'sent:p' .. uid .. ':' .. msgid or ''
local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'gm', 'host')
local gm = bond[1]

if hosts ~= '' and gm
    and not string.find(hosts, ',' .. bond[2] .. ',', 1, true)
then
    return { 'host_forbidden' }
end

local answer = repeated(sent, msg)
if answer then
    return answer
end

if not gm then
    return { 'no_friend_gm' }
end

local box = prefix .. 'box:g' .. gm
local now = clock()
local ts = string.format('%d', now / 1000)
local id = append(box, history, now, entries, bytes, #msg,
                  'u', uid, 'm', msg, 't', ts)
if not id then
    return { 'full' }
end

local news = redis.call('ZADD', prefix .. 'boxes', 'LT', 'CH', ts, gm) > 0
redis.call('HINCRBY', box .. ':u', uid, 1)
converse(prefix .. 'conv:' .. uid, keep, ttl, id, 'g', gm, msg, ts)
remember(sent, msg, id)
wake(prefix, 'g' .. gm, table.concat({ 'm', id, uid, gm, ts, msg }, ' '))
if news then
    wake(prefix, 'gms', 'm')
end

return { 'ok', id, 0, 'g' .. gm }
