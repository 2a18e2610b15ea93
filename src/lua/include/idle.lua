-- Most polls find nothing: they end here, before what follows is even defined.
-- The id of a mailbox's newest entry where that is done with; '0-0' where there
-- is no mailbox; nil where there may be something.
local function idle(key)
    local m = redis.call('HMGET', key .. ':m', 'epoch', 'n', 'done')

    if not m[1] then
        return '0-0'
    end

    return m[2] == m[3] and m[1] .. '-' .. m[2] or nil
end
