'use strict';
const texts = {
  en: { title: 'Chat', name: 'Name', message: 'Message', send: 'Send', messages: 'Messages', open: 'Connected', closed: 'Not connected' },
  zh: { title: '聊天', name: '名字', message: '消息', send: '发送', messages: '消息列表', open: '已连接', closed: '未连接' },
};
const language = navigator.language.startsWith('zh') ? 'zh' : 'en';
document.documentElement.lang = language;
document.title = texts[language].title;
for (const element of document.querySelectorAll('[data-text]')) element.textContent = texts[language][element.dataset.text];

const [state, messages, form, name, text] = ['state', 'messages', 'form', 'name', 'text'].map((id) => document.getElementById(id));
let socket;

function connect() {
  socket = new WebSocket(new URL('/chat', location.href.replace(/^http/, 'ws')));
  socket.onopen = () => { state.textContent = texts[language].open; };
  socket.onmessage = (event) => {
    const line = document.createElement('li');
    line.textContent = event.data;
    messages.append(line);
  };
  socket.onclose = () => {
    state.textContent = texts[language].closed;
    setTimeout(connect, 1000 + Math.random() * 1000); // not all pages in the same moment
  };
}

form.onsubmit = (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(`${name.value}: ${text.value}`);
  text.value = '';
  text.focus();
};

connect();
