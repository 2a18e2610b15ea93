-- The reply of a plain receive was written to the client's connection: what
-- it took is done with.
-- KEYS  1 prefix
-- ARGV  1 receipt
-- Gives {'ok'}
-- include clock
-- include mailbox
-- include flight
settle_receipt(ARGV[1], remove, settle)

return { 'ok' }
