-- What game_server.lua needs, from LuaSocket where there is no skynet:
-- coroutines that wait for sockets or for time.

local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"

local M = { now = socket.gettime }

-- coroutine -> what it waits for: { reads or writes = a socket, till = a time }
local waiting = {}


local function resume(thread)
    local ok, wait = coroutine.resume(thread)

    if not ok then
        error(debug.traceback(thread, wait), 0)
    end

    waiting[thread] = wait
end


function M.fork(f)
    waiting[coroutine.create(f)] = { till = 0 }
end


function M.sleep(seconds)
    coroutine.yield({ till = M.now() + seconds })
end


-- Calls f with each line of stdin, beside all else.
function M.each_line(f)
    local stdin = { getfd = function() return 0 end }

    io.stdin:setvbuf("no")      -- nothing that is unread hides from select()

    M.fork(function()
        repeat
            coroutine.yield({ reads = stdin, till = math.huge })
            local line = io.read("l")
            if line then
                f(line)
            end
        until not line
    end)
end


local function is_due(wait, ready)
    return ready[wait.reads or wait.writes or 0] or wait.till <= M.now()
end


function M.run()
    while next(waiting) do
        local reads, writes, till = {}, {}, math.huge

        for _, wait in pairs(waiting) do
            table.insert(reads, wait.reads)
            table.insert(writes, wait.writes)
            till = math.min(till, wait.till)
        end

        local ready = {}
        local seconds = till < math.huge and math.max(0, till - M.now()) or nil
        local readable, writable = socket.select(reads, writes, seconds)

        for _, list in ipairs({ readable, writable }) do
            for _, stream in ipairs(list) do
                ready[stream] = true
            end
        end

        local due = {}

        for thread, wait in pairs(waiting) do
            if is_due(wait, ready) then
                table.insert(due, thread)
            end
        end

        for _, thread in ipairs(due) do
            waiting[thread] = nil
            resume(thread)
        end
    end
end


-- A socket for socket.http: where it would block, others go on.

local Stream = {}
Stream.__index = Stream


local function open(late)
    local tcp = socket.tcp()

    tcp:settimeout(0)

    return setmetatable({ tcp = tcp, till = M.now() + late }, Stream)
end


function Stream:wait(kind)
    coroutine.yield({ [kind] = self.tcp, till = self.till })

    return M.now() < self.till
end


function Stream:connect(host, port)
    local ok, problem = self.tcp:connect(host, port)

    if not ok and problem == "timeout" and self:wait("writes") then
        ok, problem = self.tcp:connect(host, port)
    end

    return (ok or problem == "already connected") and 1 or nil, problem
end


function Stream:send(data, from, to)
    while true do
        local last, problem, sent = self.tcp:send(data, from, to)

        if last or problem ~= "timeout" or not self:wait("writes") then
            return last, problem, sent
        end

        from = sent + 1
    end
end


function Stream:receive(pattern, prefix)
    while true do
        local data, problem, part = self.tcp:receive(pattern, prefix)

        if data or problem ~= "timeout" or not self:wait("reads") then
            return data, problem, part
        end

        prefix = part
    end
end


function Stream:settimeout()
    return 1
end


function Stream:close()
    return self.tcp:close()
end


-- http.request, as httpc.request of skynet has it.

function M.request(late)
    return function(method, host, url, recvheader, header, content)
        local chunks = {}

        header["content-length"] = #content

        local ok, status, headers = http.request({
            method = method,
            url = "http://" .. host .. url,
            headers = header,
            source = ltn12.source.string(content),
            sink = ltn12.sink.table(chunks),
            create = function() return open(late) end,
        })

        if not ok then
            error(status, 0)
        end

        for name, value in pairs(headers) do
            recvheader[name] = value
        end

        return status, table.concat(chunks)
    end
end


return M
