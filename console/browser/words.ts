// What people write in the stories, in one language each, so that what is of the other
// one is the console's own.

import type { Words } from './tour.js';

export const ENGLISH: Words = {
    gms: ['Iris', 'Juno'],
    messages: ['My sword is gone!', 'Can you see it?', 'Are you there?'],
    canned: 'hello',
    replies: ['Hello {player}, how can I help?', 'I am looking, one moment.'],
};

export const CHINESE: Words = {
    gms: ['王芳', '李娜'],
    messages: ['我的宝剑不见了！', '能帮我看看吗？', '您好，在吗？'],
    canned: '问候',
    replies: ['您好，请问有什么可以帮您？', '请稍等，正在查看。'],
};
