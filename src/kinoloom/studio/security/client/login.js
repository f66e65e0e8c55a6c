// Exchanges a name and a password for a cookie, then loads the studio at the same address.
const find = (/** @type {string} */ query) => /** @type {any} */ (document.querySelector(query));
const [form, person, password, problem] = ['form', '#name', '#password', '.login-error'].map(find);

/** @param {string} text @param {HTMLInputElement} [field] */
function report(text, field) {
  problem.textContent = text;
  for (const one of [person, password]) one.toggleAttribute('aria-invalid', false);
  if (!field) return;
  field.setAttribute('aria-invalid', 'true');
  field.focus();
}

async function logIn() {
  if (!person.value) return report('Enter your name.', person);
  if (!password.value) return report('Enter your password.', password);
  const body = JSON.stringify({ name: person.value, password: password.value });
  const headers = { 'content-type': 'application/json' };
  try {
    const answer = await fetch('/api/login', { method: 'POST', headers, body });
    if (answer.ok) return location.reload();
    const { error, hint } = await answer.json();
    report(`${error} ${hint}`.trim(), password);
  } catch {
    report('The studio does not answer. Try again.');
  }
}

form.addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  logIn();
});
person.focus();
