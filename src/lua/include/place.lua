-- The stream's own id of a message of a conversation, by the id that it has in
-- its receiver's mailbox: the conversation is walked back to it. nil where it
-- is not there, or not any more.
local function place(key, id)
    local from, count = '+', 10

    while true do
        local page = redis.call('XREVRANGE', key, from, '-', 'COUNT', count)

        for _, entry in ipairs(page) do
            if entry[2][2] == id then
                return entry[1]
            end
        end

        if #page < count then
            return nil
        end

        from, count = '(' .. page[count][1], 200
    end
end
