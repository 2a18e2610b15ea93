-- After the body, which is desk_action(): the audit, and what the GM's streams
-- hear of.
local desk_refusal = desk_forbids()
local desk_reply = desk_refusal and { desk_refusal } or desk_action()

if desk_name == 'accounts' and desk_role == 'gm' then
    local given = { desk_reply[1] }

    for i = 2, #desk_reply, 4 do
        if desk_given(desk_reply[i]) then
            for k = i, i + 3 do
                given[#given + 1] = desk_reply[k]
            end
        end
    end

    desk_reply = given
end

local desk_done = desk_reply[1] == 'ok'

-- What wrote may write on, also where the store is at its memory cap; a refusal
-- is one with or without its note.
if desk_note == 'always'
    or desk_note == 'change' and (desk_wrote or not desk_done)
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
