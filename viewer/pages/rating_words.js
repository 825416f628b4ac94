"use strict";
// What the page itself says; everything else comes from the study.
const WORDS = {
  en: {
    agree: "I have read this and I agree", progress: (d, o) => `${d} of ${o} done`, pause: "Take a break",
    resume: "Go on", paused: "Take your time. Everything is saved; this page can be closed and opened again.",
    leave: "Withdraw", sure: "Withdraw and delete all my ratings", stay: "Stay",
    asked: "Withdrawing deletes every rating and chat of yours at once. Nothing of it can be restored.",
    gone: "You have withdrawn. Your ratings and chats are deleted. Thank you for the time you gave.",
    end: "That was all. Thank you. You can close this page.", saved: "Saved", lost: "Not saved: ",
    offline: "the server does not answer. Your last answer is tried again when you choose it again.",
    next: "Done, next", skip: "Skip this one", unknown: "Cannot tell", user: "User", supporter: "Supporter", you: "You",
    first: "First conversation", second: "Second conversation", firstbest: "First", secondbest: "Second", tie: "No difference",
    rate: "Rate this conversation", compare: "Compare two conversations", chat: "Talk with somebody",
    told: "You are the supporter. The other person did not ask for help. Talk the way you would.",
    topic: "What you can see: ", say: "Say", left: (n) => `Replies left: ${n}`, over: "This conversation is over.",
    to: "Go to the second conversation", back: "Now compare your two conversations", other: "中文", board: "Review board: ",
  },
  zh: {
    agree: "我已阅读并同意", progress: (d, o) => `已完成 ${d}/${o}`, pause: "休息一下", resume: "继续",
    paused: "不着急。所有答案都已保存，可以关闭本页，之后再打开。", leave: "退出研究", sure: "退出并删除我的全部评分",
    stay: "留下", asked: "退出会立即删除你的全部评分和对话，无法恢复。",
    gone: "你已退出，评分和对话均已删除。感谢你付出的时间。", end: "全部完成，谢谢。可以关闭本页。", saved: "已保存",
    lost: "未保存：", offline: "服务器没有回应。请再选一次这个答案。", next: "完成，下一项", skip: "跳过这一项",
    unknown: "无法判断", user: "用户", supporter: "支持者", you: "你", first: "第一段对话", second: "第二段对话",
    firstbest: "第一段", secondbest: "第二段", tie: "没有差别", rate: "请为这段对话评分", compare: "请比较两段对话",
    chat: "请和一个人聊聊", told: "你是支持者。对方没有求助。请照你平时的方式说话。", topic: "你看得出的：", say: "说",
    left: (n) => `还可以说 ${n} 次`, over: "这段对话已经结束。", to: "进入第二段对话", back: "请比较你的两段对话",
    other: "English", board: "伦理审查：",
  },
};
