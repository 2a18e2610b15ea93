-- A player's conversation, newest first, from the message before `before` on.
-- KEYS  1 prefix
-- ARGV  1 uid  2 before (an id, or '')  3 limit
-- Gives {'ok', more, {entry, delivered, ...}}; see include/delivered.lua
-- include clock
-- include wake
-- include mailbox
-- include cursor
-- include place
-- include delivered
local prefix, uid = KEYS[1], ARGV[1]
local before, limit = ARGV[2], tonumber(ARGV[3])
local key, from = prefix .. 'conv:' .. uid, '+'

if before ~= '' then
    local found = place(key, before)
    if not found then
        return { 'ok', 0, {} }
    end
    from = '(' .. found
end

local entries = redis.call('XREVRANGE', key, from, '-', 'COUNT', limit + 1)
local more = #entries > limit and 1 or 0
local host = redis.call('HGET', prefix .. 'player:' .. uid, 'host')
local boxes, reply = {}, {}

entries[limit + 1] = nil

-- to the player by the host where it is now; to whichever GM it wrote

for _, entry in ipairs(entries) do
    local field = entry[2]
    local box = field[4] == 'p' and prefix .. 'box:h' .. (host or '')
                or prefix .. 'box:g' .. field[6]

    if boxes[box] == nil then
        boxes[box] = mailbox(box) or false
    end

    reply[#reply + 1] = entry
    reply[#reply + 1] = delivered(boxes[box], field[2])
end

return { 'ok', more, reply }
