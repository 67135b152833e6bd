-- Requests to one path, with each body of a file in its turn; every thread begins elsewhere.
local bench = dofile(os.getenv("BENCH_DIR") .. "/bench.lua")

local requests
local turn

function init()
    requests = bench.request_ends()
    for i = 1, #requests do
        requests[i] = bench.env("BENCH_METHOD") .. " " .. bench.env("BENCH_PATH") .. requests[i]
    end
    turn = (thread_number or 0) * math.floor(#requests / 3)
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end
