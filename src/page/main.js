/** The page: starts its parts, and asks for their figures as long as it is looked at. */
import { api } from './api.js'
import { startDialogs } from './dialog.js'
import { find } from './dom.js'
import { startExplain } from './explain.js'
import { countFetches, showFetches } from './fetches.js'
import { startJobs, warm } from './jobs.js'
import { startLogin } from './login.js'
import { showOverview, showTraffic } from './overview.js'
import { refreshTimes, showProblem } from './parts.js'
import { Poll } from './poll.js'
import { offerUpstreams, startPurge } from './purge.js'
import { RateHistory } from './rates.js'
import { startRepositories } from './repositories.js'
import { currentLogin, session } from './session.js'
import { showUpstreams, startUpstreams } from './upstreams.js'

/** Between two looks at the figures, in milliseconds. */
const FIGURES_MS = 2_000
/** Between two looks at the upstreams, in milliseconds. */
const UPSTREAMS_MS = 5_000
/** How often times are told anew, in milliseconds. */
const TIMES_MS = 10_000

const history = new RateHistory()

/** @param {boolean} isThere whether the server has answered */
const showConnection = (isThere) => {
  const connection = find('connection', HTMLElement)
  const text = isThere ? 'live' : 'no answer, trying again'
  connection.classList.toggle('lost', !isThere)
  // What does not change is not read out again.
  if (connection.textContent !== text) connection.textContent = text
}

const showFigures = async () => {
  const status = await api.status()
  const { traffic, fetches, upstreams } = status
  history.add(performance.now(), traffic.toClientsBytes, traffic.fromUpstreamBytes)
  showOverview(status)
  showTraffic(history.rates)
  if (currentLogin() === undefined) {
    showUpstreams(upstreams, false)
    countFetches(fetches.active)
  } else showFetches(fetches.active === 0 ? [] : (await api.fetches()).fetches)
}

const figures = new Poll(
  async () => {
    await showFigures()
    showConnection(true)
  },
  () => FIGURES_MS,
  () => showConnection(false),
)

const upstreams = new Poll(
  async () => {
    const answer = await api.upstreams()
    showUpstreams(answer.upstreams, true)
    offerUpstreams(answer.upstreams.map(({ name }) => name))
  },
  () => UPSTREAMS_MS,
  (error) => showProblem('upstream-list', error),
)

startDialogs()
startLogin()
startExplain()
const repositories = startRepositories(warm)
const jobs = startJobs(() => repositories.hurry())
startUpstreams(() => upstreams.hurry())
startPurge(() => repositories.hurry())

const behindLogin = [upstreams, repositories, jobs]

const follow = () => {
  const isAdmin = currentLogin() !== undefined
  for (const part of behindLogin) isAdmin ? part.start() : part.stop()
  figures.hurry()
}

session.addEventListener('change', follow)
setInterval(refreshTimes, TIMES_MS)
figures.start()
follow()
