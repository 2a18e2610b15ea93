-- A GM writes to a player.
-- KEYS  1 prefix
-- ARGV  1 gm_account  2 uid  3 msg (base64)  4 msgid, or ''  5 history
--       6 entries  7 bytes  8 keep  9 ttl in seconds
-- Gives {'ok', id, repeat} | {'not_friend'} | {'full'} | {'msgid_reused'}
-- Event the host's mailbox's key, with the message's id
-- include clock
-- include append
-- include sent
-- include converse
-- include wake
local prefix = KEYS[1]
local gm, uid, msg, msgid, history = ARGV[1], ARGV[2], ARGV[3], ARGV[4],
                                     ARGV[5]
local entries, bytes, keep, ttl = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local sent = msgid ~= '' and prefix .. 'sent:g' .. gm .. ':' .. msgid or ''
local content = uid .. ' ' .. msg

local answer = repeated(sent, content)
if answer then
    return answer
end

local bond = redis.call('HMGET', prefix .. 'player:' .. uid, 'gm', 'host')
if bond[1] ~= gm then
    return { 'not_friend' }
end

local box = prefix .. 'box:h' .. bond[2]
local now = clock()
local ts = math.floor(now / 1000)
local id = append(box, history, now, entries, bytes, #msg,
                  'u', uid, 'g', gm, 'm', msg, 't', ts)
if not id then
    return { 'full' }
end

converse(prefix .. 'conv:' .. uid, keep, ttl, id, 'p', gm, msg, ts)
remember(sent, content, id)
wake(box, id)

return { 'ok', id, 0 }
