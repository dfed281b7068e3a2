/** 检查器的全部中文文本。 */

import type { InspectText } from './text.en.ts';

const number = (n: number) => n.toLocaleString('zh', { maximumFractionDigits: n < 10 ? 1 : 0 });

export const zh: InspectText = {
  title: '检查器 · Tandem',
  description: 'Tandem 服务器的实时状况：连接、会话、主题、信箱、速率与关闭码。',
  skip: '跳到正文',
  language: '语言',
  heading: '这台服务器正在做什么',
  number,
  states: {
    connecting: '正在连接……',
    live: '实时，每秒更新一次',
    paused: '已暂停',
    lost: '服务器没有应答，正在重试……',
    locked: '已锁定',
  },
  pause: '暂停',
  resume: '继续',
  pausedSaid: '已暂停。',
  resumedSaid: '已恢复实时更新。',

  lock: {
    title: '此检查器需要令牌',
    hint: '即启动服务器时给出的令牌：--inspect-token 或 TANDEM_INSPECT_TOKEN。',
    label: '令牌',
    enter: '打开',
    wrong: '令牌不正确。',
  },

  figures: {
    title: '此刻',
    connections: '连接',
    received: '接收',
    sent: '发送',
    buffered: '等待慢速对端接收',
    compression: '压缩上下文',
    handshakes: '握手',
    busy: '事件循环繁忙度',
    dropped: '丢弃的消息',
    perSecond: (messages, bytes) => `${messages} 条/秒，${bytes}/秒`,
    outcomes: (accepted, others) => `接受 ${accepted} 次，未接受 ${others} 次`,
    ofWhich: '整个进程的上限。',
    none: '无',
  },

  shown: (shown, total) => (shown < total ? `共 ${number(total)} 个，显示 ${number(shown)} 个` : number(total)),
  empty: '无。',

  connections: {
    title: '连接',
    caption: '打开的连接',
    order: '优先显示',
    orders: { buffered: '等待字节最多的', newest: '最新的' },
    columns: { remote: '来自', path: '路由', state: '状态', buffered: '等待发送', age: '持续时间', compression: '压缩', action: '操作' },
    close: '关闭……',
    closeLabel: (remote) => `关闭来自 ${remote} 的连接……`,
    silent: (loops) => `${loops} 个事件循环没有及时应答：处理程序占用了它。`,
  },
  dialog: {
    title: '要关闭这个连接吗？',
    code: '关闭码',
    codes: {
      1000: '1000，已完成',
      1001: '1001，正在离开：对方可以再来',
      1008: '1008，违反规定：对方不应再来',
      1013: '1013，请稍后再试',
    },
    hint: '之前发给它的内容会先送出；如果它在数秒内没有应答，连接会被切断。',
    confirm: '关闭它',
    cancel: '保持打开',
    done: (remote, code) => `已通知来自 ${remote} 的连接以 ${code} 关闭。`,
    gone: (remote) => `来自 ${remote} 的连接已不再打开。`,
    failed: '服务器没有应答：没有关闭任何连接。',
  },
  closes: {
    title: '已关闭',
    caption: '自启动以来结束的连接，按关闭码统计',
    columns: { code: '关闭码', initiator: '由谁结束', count: '次数' },
    meanings: {
      '1000': '已完成', '1001': '正在离开', '1002': '协议错误', '1003': '不接受该类型', '1005': '未给出关闭码', '1006': '没有关闭帧',
      '1007': '内容与类型不符', '1008': '违反规定', '1009': '消息过大', '1010': '缺少扩展', '1011': '服务器错误',
      '1012': '重新启动', '1013': '请稍后再试', '1014': '网关错误', '3xxx': '程序库的', '4xxx': '应用程序的', other: '未登记',
    },
    initiators: {
      local: '本服务器', peer: '对端', protocol_fault: '违反协议', transport_end: '网络', timeout: '超时',
      overflow: '对端不读取', handler_error: '此处的异常',
    },
  },
  sessions: {
    title: '会话',
    caption: '会话；等待字节最多的在前',
    columns: { id: '会话', carrier: '传输方式', subscriptions: '主题', mailboxes: '信箱', frames: '等待的帧', bytes: '等待的字节' },
    carriers: { none: '目前没有', websocket: 'WebSocket', http: 'HTTP' },
  },
  topics: {
    title: '主题',
    caption: '此节点上的主题；订阅者最多的在前',
    columns: { name: '主题', subscribers: '订阅者', history: '保留的事件', waiting: '等待的事件' },
  },
  mailboxes: {
    title: '信箱',
    caption: '信箱；最满的在前',
    name: '信箱',
    columns: { consumer: '消费者', messages: '消息', bytes: '字节' },
    yes: '有',
    no: '无',
  },
  links: {
    sessions: { title: '连接：会话', caption: '电脑和手机的会话；等待字节最多的在前' },
    tickets: { title: '连接：凭票', caption: '正在显示的二维码，以及等待中的受信任手机', name: '凭票' },
    inboxes: { title: '连接：收件箱', caption: '电脑和手机的收件箱；最满的在前。其中的内容是加密的', name: '收件箱' },
  },
  duration: (seconds) =>
    seconds < 60 ? `${seconds} 秒` : seconds < 3600 ? `${Math.floor(seconds / 60)} 分` : seconds < 86400 ? `${Math.floor(seconds / 3600)} 小时` : `${Math.floor(seconds / 86400)} 天`,
};
