-- Tells a stream, whichever worker has it, to add or to drop receivers.
-- KEYS  1 prefix
-- ARGV  1 stream  2 'gm' or 'gs', whose streams have other receivers
--       3 '+' or '-'  4 receivers, '1001,1002'
-- Gives {'ok'} | {'no_stream'}
-- Event to the stream: ARGV 3 and 4
local prefix = KEYS[1]
local stream, endpoint, change, receivers = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if redis.call('PUBLISH', prefix .. 'to:' .. endpoint .. ':' .. stream,
              change .. ' ' .. receivers) == 0
then
    return { 'no_stream' }
end

return { 'ok' }
