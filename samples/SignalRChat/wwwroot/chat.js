'use strict';
const texts = {
  en: { title: 'SignalR chat', name: 'Name', message: 'Message', send: 'Send', messages: 'Messages', open: 'Connected', closed: 'Not connected' },
  zh: { title: 'SignalR 聊天', name: '名字', message: '消息', send: '发送', messages: '消息列表', open: '已连接', closed: '未连接' },
};
const language = navigator.language.startsWith('zh') ? 'zh' : 'en';
document.documentElement.lang = language;
document.title = texts[language].title;
for (const element of document.querySelectorAll('[data-text]')) element.textContent = texts[language][element.dataset.text];

const [state, messages, form, name, text] = ['state', 'messages', 'form', 'name', 'text'].map((id) => document.getElementById(id));
const wait = () => 1000 + Math.random() * 1000; // not all pages in the same moment
const connection = new signalR.HubConnectionBuilder().withUrl('/chat').withAutomaticReconnect({ nextRetryDelayInMilliseconds: wait }).build();
const show = (isOpen) => { state.textContent = texts[language][isOpen ? 'open' : 'closed']; };

connection.on('Message', (who, what) => {
  const line = document.createElement('li');
  line.textContent = `${who}: ${what}`;
  messages.append(line);
});
connection.onreconnecting(() => show(false));
connection.onreconnected(() => show(true));

// Automatic reconnection is for connections that were open once.
async function start() {
  try {
    await connection.start();
    show(true);
  } catch {
    show(false);
    setTimeout(start, wait());
  }
}

form.onsubmit = async (event) => {
  event.preventDefault();
  if (connection.state !== signalR.HubConnectionState.Connected) return;
  const message = text.value;
  text.value = '';
  text.focus();
  await connection.invoke('Send', name.value, message);
};

start();
