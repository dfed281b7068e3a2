import { ComputerLogin, createQrCode } from './link-login.js';
import { byId, post, reason, show, whoAmI } from './steps.js';

const login = new ComputerLogin();

function follow(state) {
  if (state.step === 'showing') {
    byId('address').textContent = state.url;
    byId('code').replaceChildren(createQrCode(state.url, 'The code to scan'));
  } else if (state.step === 'numbered') {
    byId('number').textContent = state.number;
  } else if (state.step === 'failed') {
    byId('why').textContent = reason(state.why);
  } else if (state.step === 'done') {
    void begin();
    return;
  }

  show(state.step);
}

async function begin() {
  const user = await whoAmI();
  byId('name').textContent = user?.name ?? '';
  if (user) show('done');
  else void login.start();
}

byId('again').addEventListener('click', () => void login.start());
byId('sign-out').addEventListener('click', async () => {
  await post('/sign-out');
  location.reload();
});
login.subscribe(follow);
void begin();
