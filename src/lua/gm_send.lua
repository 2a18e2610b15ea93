-- A GM writes to a player.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 uid  3 msg (base64)  4 msgid, or ''  5 history
--       6 entries  7 bytes  8 keep  9 ttl in seconds  10 milliseconds after
--       which a host that is not heard of is silent
-- Gives {'ok', id, repeat, silent[, receiver]} | {'not_friend'} | {'full'}
--       | {'msgid_reused'}; silent: 1 where the player's host is; a repeat has no
--       receiver
-- Event to the host: the message
-- include clock
-- include append
-- include sent
-- include converse
-- include wake
-- include silent
local prefix = KEYS[1]
local gm, uid, msg, msgid, history = ARGV[1], ARGV[2], ARGV[3], ARGV[4],
                                     ARGV[5]
local entries, bytes, keep, ttl, silence = ARGV[6], ARGV[7], ARGV[8], ARGV[9],
                                           ARGV[10]
local sent = msgid ~= '' and prefix .. 'sent:g' .. gm .. ':' .. msgid or ''
local content = uid .. ' ' .. msg

local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'gm', 'host')
local host, now = bond[2], clock()
local silent = host and is_silent(redis.call('ZSCORE', prefix .. 'hosts', host),
                                  now, silence) or 0

local answer = repeated(sent, content)
if answer then
    answer[4] = answer[1] == 'ok' and silent or nil
    return answer
end

if bond[1] ~= gm then
    return { 'not_friend' }
end

local box = prefix .. 'box:h' .. host
local ts = string.format('%d', now / 1000)
local id = append(box, history, now, entries, bytes, #msg,
                  'u', uid, 'g', gm, 'm', msg, 't', ts)
if not id then
    return { 'full' }
end

converse(prefix .. 'conv:' .. uid, keep, ttl, id, 'p', gm, msg, ts)
remember(sent, content, id)
wake(prefix, 'h' .. host, table.concat({ 'm', id, uid, gm, ts, msg }, ' '))

return { 'ok', id, 0, silent, 'h' .. host }
