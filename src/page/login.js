/** The login: with the admin token, or with an account of `admin.users`. What is typed is tried before it is kept. */
import { api, describe } from './api.js'
import { find } from './dom.js'
import { accountLogin, currentLogin, dropLogin, keepLogin, session, tokenLogin } from './session.js'

/** @param {HTMLFormElement} form */
const readLogin = (form) => {
  const fields = new FormData(form)
  const text = (/** @type {string} */ name) => String(fields.get(name) ?? '')
  return fields.get('with') === 'account'
    ? accountLogin(text('account').trim(), text('password'))
    : tokenLogin(text('token').trim())
}

/** Shows the fields of the chosen kind, and asks the browser for them alone. @param {HTMLFormElement} form */
const showFields = (form) => {
  const chosen = new FormData(form).get('with')
  for (const kind of ['token', 'account']) {
    const fields = find(`login-${kind}`, HTMLFieldSetElement)
    fields.hidden = kind !== chosen
    fields.disabled = kind !== chosen
  }
}

const showWho = () => {
  const login = currentLogin()
  find('who', HTMLElement).textContent = login?.who ?? ''
  find('signed-in', HTMLElement).hidden = login === undefined
  find('login', HTMLElement).hidden = login !== undefined
  document.body.classList.toggle('is-admin', login !== undefined)
}

/** @param {HTMLFormElement} form */
const tryLogin = async (form) => {
  const problem = find('login-problem', HTMLElement)
  const submit = find('login-submit', HTMLButtonElement)
  problem.textContent = ''
  submit.disabled = true
  try {
    const login = readLogin(form)
    await api.upstreams(login.authorization)
    form.reset()
    showFields(form)
    keepLogin(login)
    find('repositories-title', HTMLElement).focus()
  } catch (error) {
    problem.textContent = describe(error)
  } finally {
    submit.disabled = false
  }
}

/** Takes logins, and shows what is for admins to them alone. */
export const startLogin = () => {
  const form = find('login-form', HTMLFormElement)
  form.addEventListener('change', () => showFields(form))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    return tryLogin(form)
  })
  find('sign-out', HTMLButtonElement).addEventListener('click', dropLogin)
  session.addEventListener('change', showWho)
  showFields(form)
  showWho()
}
