-- The reply of a plain receive was written to the client's connection: what
-- it took is done with.
-- KEYS  1 prefix
-- ARGV  1 receipt
-- Gives {'ok'}
-- include mailbox
-- include flight
settle_receipt(ARGV[1],
    function(box, first, last)
        if first == box.done + 1 then
            redis.call('XTRIM', box.key, 'MINID', identify(box, last + 1))
            box.done = last
            return
        end

        local ids = {}
        for n = first, last do
            ids[#ids + 1] = identify(box, n)
        end
        redis.call('XDEL', box.key, unpack(ids))
    end,
    settle)

return { 'ok' }
