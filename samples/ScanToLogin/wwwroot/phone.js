import { PhoneLogin, takeCode } from './link-login.js';
import { byId, post, reason, show, whoAmI } from './steps.js';

// At once, so that the secret is out of the address bar.
const code = takeCode();
const login = new PhoneLogin();

login.subscribe((state) => {
  if (state.step === 'choosing') ask(state);
  else if (state.step === 'failed') byId('why').textContent = reason(state.why);
  if (state.step !== 'idle') show(state.step);
  if (state.step === 'choosing') byId('question').focus();
});

function ask({ computer, numbers }) {
  byId('origin').textContent = computer.origin;
  byId('browser').textContent = computer.browser;
  byId('computer-address').textContent = computer.address || 'not known';
  byId('numbers').replaceChildren(...numbers.map((number) => {
    const button = document.createElement('button');
    button.textContent = number;
    button.addEventListener('click', () => login.choose(number));
    return button;
  }));
}

async function begin() {
  const user = await whoAmI();
  if (!user) return show('signed-out');
  byId('name').textContent = user.name;
  if (code === null) show('idle');
  else void login.claim(code);
}

byId('none').addEventListener('click', () => login.noneOfThese());
byId('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  const response = await post('/sign-in', Object.fromEntries(new FormData(event.target)));
  byId('refused').textContent = response.ok ? '' : 'Name or password is wrong.';
  if (response.ok) void begin();
});
byId('enter').addEventListener('submit', (event) => {
  event.preventDefault();
  void login.claim(new FormData(event.target).get('code'));
});
void begin();
