-- The same request again and again.
local bench = dofile(os.getenv("BENCH_DIR") .. "/bench.lua")

local text

function init()
    text = bench.env("BENCH_METHOD") .. " " .. bench.env("BENCH_PATH") .. bench.request_ends()[1]
end

function request()
    return text
end
