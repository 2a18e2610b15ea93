-- After the body, which is desk_action(): the audit, and what the GM's streams
-- hear of.
local desk_refusal = desk_forbids()
local desk_reply = desk_refusal and { desk_refusal } or desk_action()

local desk_done = desk_reply[1] == 'ok'

-- The messages of a page of history that are of the operator's own GMs.
local function desk_own_messages(page)
    local own = {}

    for i = 1, #page, 2 do
        if desk_given(page[i][2][6]) then
            own[#own + 1] = page[i]
            own[#own + 1] = page[i + 1]
        end
    end

    return own
end

-- What actions that look at more than one GM tell an operator of some.
local desk_own = {
    accounts = function(reply)
        local own = { 'ok' }

        for i = 2, #reply, 4 do
            if desk_given(reply[i]) then
                for k = i, i + 3 do
                    own[#own + 1] = reply[k]
                end
            end
        end

        return own
    end,

    -- the newest message may be of the GM that the player had before

    friends = function(reply)
        for i = 9, #reply, 8 do
            local newest = reply[i][1]

            if newest and not desk_given(newest[2][6]) then
                reply[i] = {}
            end
        end

        return reply
    end,

    -- a page that has none of its own begins further back

    history = function(reply)
        local limit = tonumber(ARGV[3])
        local seen, own = limit, desk_own_messages(reply[3])

        while #own == 0 and reply[2] == 1 do
            seen = seen * 8
            ARGV[3] = string.format('%d', seen)
            reply = desk_action()
            own = desk_own_messages(reply[3])
        end

        local more = #own > 2 * limit and 1 or reply[2]

        for i = #own, 2 * limit + 1, -1 do
            own[i] = nil
        end

        return { 'ok', more, own }
    end
}

if desk_done and desk_role == 'gm' and desk_own[desk_name] then
    desk_reply = desk_own[desk_name](desk_reply)
end

-- What wrote may write on, also where the store is at its memory cap; a refusal
-- is one with or without its note.
if desk_note == 'change' and (desk_wrote or not desk_done)
    or desk_note == 'refusal' and desk_refusal
then
    local write = desk_wrote and desk_redis.call or desk_redis.pcall

    write('XADD', desk_prefix .. 'audit', 'MAXLEN', '~', desk_words[10], '*',
          'o', desk_operator, 'a', desk_words[9], 'c', desk_name,
          'p', desk_words[11], 'r', desk_reply[1])
end

if desk_tells == '1' and desk_wrote and desk_done then
    local uid = desk_uid ~= '' and desk_uid or '-'
    local id = desk_name == 'send' and desk_reply[2] or '-'

    desk_redis.pcall('PUBLISH', desk_prefix .. 'to:g' .. desk_receivers,
                     table.concat({ 'x', desk_name, uid, id }, ' '))
end

return desk_reply
