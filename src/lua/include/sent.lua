-- Answers a repeated msgid.
--   key      sent:<sender>:<msgid>, or '' where the call has no msgid
--   content  what the message is, receiver included
-- Returns nil for a first one, else the reply to give.
local function repeated(key, content)
    local first = key ~= '' and redis.call('GET', key)
    if not first then
        return nil
    end

    local id, digest = string.match(first, '^(%S+) (%S+)$')
    if digest ~= redis.sha1hex(content) then
        return { 'msgid_reused' }
    end

    return { 'ok', id, 1 }
end


-- Remembers it for 24 hours, as the contract has it.
local function remember(key, content, id)
    if key ~= '' then
        redis.call('SET', key, id .. ' ' .. redis.sha1hex(content),
                   'EX', 86400)
    end
end
