-- The reply of a plain receive could not be written: what it took is there
-- for the next one.
-- KEYS  1 prefix
-- ARGV  1 receipt
-- Gives {'ok'}
-- Event to each receiver: to look; to all GMs, where one is a GM
-- include clock
-- include wake
-- include mailbox
-- include flight
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
            look_at(prefix, gm)
        end
        wake_reader(box)
    end)

return { 'ok' }
