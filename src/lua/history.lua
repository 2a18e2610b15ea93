-- A player's conversation, newest first, from the message before `before` on.
-- KEYS  1 prefix
-- ARGV  1 uid  2 before (an id, or '')  3 limit
-- Gives {'ok', more, entries}
local key = KEYS[1] .. 'conv:' .. ARGV[1]
local before, limit = ARGV[2], tonumber(ARGV[3])
local from = '+'

-- An id is the receiver's mailbox's: the conversation is walked back to it.
while before ~= '' do
    local page = redis.call('XREVRANGE', key, from, '-', 'COUNT', 200)

    for _, entry in ipairs(page) do
        from = '(' .. entry[1]
        if entry[2][2] == before then
            before = ''
            break
        end
    end

    if #page < 200 and before ~= '' then
        return { 'ok', 0, {} }
    end
end

local entries = redis.call('XREVRANGE', key, from, '-', 'COUNT', limit + 1)
local more = #entries > limit and 1 or 0

entries[limit + 1] = nil

return { 'ok', more, entries }
