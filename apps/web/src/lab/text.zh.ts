import type { LabText } from './text.en.ts';

/** 页面上的全部中文文字。与 Markdown 一样标记 `代码` 和 **强调**。 */

const number = (n: number, digits = 0) => n.toLocaleString('zh-CN', { maximumFractionDigits: digits });

export const zh: LabText = {
  title: '传输方式实验室',
  description: '轮询、长轮询、流式传输和 WebSocket 同时接收相同的消息：字节数、请求数与延迟，边看边测。',
  skip: '跳到正文',
  language: '语言',
  contents: '本页内容',
  heading: '同样的消息，四种传法',
  intro: '在 WebSocket 出现之前，网页只能一遍又一遍地询问。这样做的代价有多大，消息又会晚到多久？本页面用四种方式同时接收同一串消息，由服务器清点每一个字节。这里没有任何模拟：按下“开始”，看着就行。',
  footer: '这里的传输方式就是 Tandem 会话的传输方式，各自承载的帧完全相同。这里测得的数字，任何人都可以用抓包工具核对。',

  tutorial: '逐字节看懂 WebSocket 协议',

  number,
  carriers: { websocket: 'WebSocket', streaming: '流式传输', longPolling: '长轮询', polling: '轮询' },

  run: {
    title: '开始测量',
    nav: '测量',
    intro: '一个发布者按您选定的速率发送消息，每种传输方式各是一个订阅这些消息的独立会话。参与的方式在开始之前选定；其余设置可随时改动，每次改动后数字会重新累计。',
    which: '传输方式',
    rate: '每秒消息数',
    interval: '轮询间隔（秒）',
    size: '每条消息的字节数',
    start: '开始',
    stop: '停止',
    starting: '正在连接……',
    failed: (why) => `未能开始：${why}`,
    running: '测量正在进行。',
    stopped: '测量已停止，数字保留。',
    hidden: '浏览器会放慢没有人看的页面：测量时请让本页面保持在最前面。',
  },

  figures: {
    title: '数字',
    nav: '数字',
    intro: '自上次改动设置以来的累计值。**字节数**是连接上双向的全部字节除以收到的消息数，包括 HTTP 头部、帧和确认。TCP 和 IP 给每个数据包另加的部分（40 字节以上）不在其中，各种方式都一样。',
    notCounted: '本页面是通过 HTTP/2 打开的，各种方式的请求共用一条连接，字节无法区分。请改用 `http://` 打开。',
    carrier: '传输方式',
    messages: '消息数',
    bytes: '每条消息的字节数',
    up: '其中上行',
    requests: '每分钟请求数',
    median: '延迟中位数',
    p95: '95% 延迟',
    missing: '丢失',
    milliseconds: (n) => `${number(n, n < 10 ? 1 : 0)} 毫秒`,
    processor: (percent) => `服务器（全部工作）的处理器时间：单核的 ${number(percent, 1)}%。`,
    scroll: '数字表，可左右滚动',
    none: '–',
  },

  charts: {
    title: '边看边测',
    nav: '图表',
    intro: '最近两分钟。几种方式相差悬殊，所以字节数、请求数和延迟用的是对数刻度。',
    bytes: '每条消息的字节数（10 秒内）',
    requests: '每分钟请求数（10 秒内）',
    latency: '延迟：每百条消息中有多少条在若干毫秒内到达',
    processor: '服务器的处理器时间（单核的百分比）',
    processorName: '服务器',
    secondsUnit: '秒',
    millisecondsUnit: '毫秒',
    empty: '还没有数据',
  },

  reading: {
    title: '看什么',
    nav: '看什么',
    points: [
      '**轮询平均要晚半个间隔**，而没有消息时最浪费：每问一次，上下行都要花几百个字节，不管有没有回答。把速率设为每十秒一条、间隔设为半秒，就能看到。',
      '**消息很多时，轮询反而便宜。**一次回答带走一个间隔内的全部消息。每秒五十条、间隔五秒时，如果可以接受延迟，它需要的字节几乎不比 WebSocket 多。',
      '**长轮询很及时**，但每条消息都要花一次完整的请求。速率高时，几条消息会共用一次回答。',
      '**流式传输很及时，下行时一条消息的花费只比它本身多一点**（这里是事件流中的 base64，多三分之一）。但网页要说的话得另用请求送上去：在这里就是不时的确认，速率低时它们比消息本身还贵。',
      '**WebSocket 在一条消息外面只加 2 到 14 个字节的帧头**，双向都是如此，而且握手之后不再有头部。全部区别就在这里，这也是它存在的理由。',
      '消息是随机文本：只有 WebSocket 会压缩，而压缩会掩盖传输方式本身的花费。',
      '想知道一种方式让**服务器**付出多少，请让它单独运行：处理器时间是整个服务器的。',
    ],
  },
};
