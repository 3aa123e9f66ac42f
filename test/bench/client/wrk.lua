-- Asks for the paths of a file in turn, with the given Accept, and prints what came of it as JSON.
local requests = {}
local at = 0

function init(args)
  wrk.headers["Accept"] = args[2]
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "\n{\"requests\": %d, \"seconds\": %f, \"p50Ms\": %f, \"p99Ms\": %f, \"failures\": %d}\n",
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
