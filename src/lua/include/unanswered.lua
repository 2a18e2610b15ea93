-- What a player wrote to a GM since the GM wrote last, or since another GM had
-- the player. Returns {newest entry of the conversation} or {}; how much of it
-- the GM has not read; and when the oldest of it was written ('' where there is
-- nothing). No further back than 50 messages: a list of friends looks at each
-- of them.
local function unanswered(prefix, gm, uid)
    local key = prefix .. 'conv:' .. uid
    local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
    local unread, since, left, count = 0, '', 50, 8
    local page, read, mark = newest, false, nil

    while true do
        for _, entry in ipairs(page) do
            local field = entry[2]

            if field[4] ~= 'g' or field[6] ~= gm then
                return newest, unread, since
            end

            if mark == nil then
                mark = redis.call('GET', prefix .. 'read:g' .. gm .. ':' .. uid)
            end

            read = read or entry[1] == mark
            unread = unread + (read and 0 or 1)
            since = field[10]
        end

        left = left - #page

        if left == 0 or #page == 0 then
            return newest, unread, since
        end

        page = redis.call('XREVRANGE', key, '(' .. page[#page][1], '-',
                          'COUNT', math.min(count, left))
        count = count * 8
    end
end
