-- A game server's side of the chat: long polls that acknowledge, and sends that
-- are safe to repeat. It needs coroutines and these, which service.lua takes
-- from skynet and standalone.lua from LuaSocket:
--
--   request(method, host, url, recvheader, header, content) -> status, body
--                      as skynet's httpc.request, which raises what goes wrong
--   fork(f)            runs f beside the others
--   sleep(seconds)
--   now()              in seconds
--   json               encode and decode, as of cjson
--   bridge, host       "127.0.0.1:8080", "1001"
--   on_event(name, data)

local GameServer = {}
GameServer.__index = GameServer

-- Below the time after which proxies and NATs forget a silent connection.
GameServer.WAIT = 25

-- An answer that is that much late does not come any more.
GameServer.LATE = 10

-- The store is away; nobody knows; too many calls.
local AGAIN = { [-5] = true, [-6] = true, [-9] = true }


function GameServer.new(needs)
    local self = setmetatable({ queue = {}, lines = 0 }, GameServer)

    for name, value in pairs(needs) do
        self[name] = value
    end

    -- A msgid is used once in 24 hours: other ones in each run.
    self.run = string.format("%x-%x", os.time(), math.random(0))

    return self
end


function GameServer:start()
    self.fork(function() self:poll("relation", "relation") end)
    self.fork(function() self:poll("receive", "message") end)
end


-- At random within a span that doubles up to 10 s: who lost the bridge at the
-- same moment does not come back at the same moment.
function GameServer:back_off(failures)
    self.sleep(math.random() * math.min(10, 0.1 * 2 ^ math.min(failures, 7)))
end


-- The reply, or {} where there is none: also where something in between
-- answered what is no JSON.
function GameServer:call(params)
    local header = { ["content-type"] = "application/json" }
    local ok, _, body = pcall(self.request, "POST", self.bridge, "/gs", {},
        header, self.json.encode(params))

    if not ok then
        return {}
    end

    local decoded, reply = pcall(self.json.decode, body)

    return decoded and type(reply) == "table" and reply or {}
end


-- The cursor moves on when all in a reply is dealt with, and goes out with the
-- next poll: who dies in between gets it again.
function GameServer:poll(action, event)
    local ack, failures = "", 0

    while true do
        local began = self.now()
        local reply = self:call({ action = action, host = self.host,
            format = "json", ack = ack, wait = self.WAIT })

        if not reply.cursor then
            self:back_off(failures)
            failures = failures + 1
        else
            for _, item in ipairs(reply.data) do
                self.on_event(event, item)
            end

            ack = reply.cursor
            failures = 0

            -- Sent away early, with nothing: nginx is told to go, and all who
            -- waited there come back now.
            if #reply.data == 0 and self.now() - began < self.WAIT - 1 then
                self:back_off(4)
            end
        end
    end
end


-- What a player writes. One message at a time keeps the order of each.
function GameServer:write(uid, text)
    self.lines = self.lines + 1
    table.insert(self.queue, { action = "send", uid = uid, text = text,
        msgid = self.run .. "-" .. self.lines })

    if not self.sending then
        self.sending = true
        self.fork(function() self:send_queue() end)
    end
end


function GameServer:send_queue()
    while self.queue[1] do
        local params = self.queue[1]
        local reply = self:send(params)

        table.remove(self.queue, 1)
        reply.uid = params.uid
        self.on_event(reply.res == 1 and "sent" or "refused", reply)
    end

    self.sending = false
end


-- With the same msgid until there is an answer: so it does not matter whether
-- the first one arrived.
function GameServer:send(params)
    local failures = 0

    while true do
        local reply = self:call(params)

        if reply.res and not AGAIN[reply.errno] then
            return reply
        end

        self:back_off(failures)
        failures = failures + 1
    end
end


return GameServer
