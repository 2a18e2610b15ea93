-- The reply of a plain receive could not be written: what it took is there
-- for the next one.
-- KEYS  1 prefix
-- ARGV  1 receipt
-- Gives {'ok'}
-- Event each mailbox's key
-- include clock
-- include mailbox
-- include flight
-- include wake
local now = string.format('%.0f', math.floor(clock() / 1000))

settle_receipt(ARGV[1],
    function(box)
        box.returned = true
    end,
    function(box)
        if not box.returned then
            return
        end

        local prefix, gm = owner(box)
        if gm and box.done < box.n then
            redis.call('ZADD', prefix .. 'boxes', 'LT', now, gm)
        end
        wake(box.key, '')
    end)

return { 'ok' }
