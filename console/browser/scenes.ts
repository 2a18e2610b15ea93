// Who is on the pictures, and what they say.

export interface Talk {
    gm: string;
    uid: string;
    host: string;
    // Minutes since the last line.
    ago: number;
    lines: readonly (readonly ['gm' | 'player', string])[];
}

export interface Scene {
    gms: readonly (readonly [string, string])[];
    operators: readonly (readonly [string, string, string])[];
    replies: readonly (readonly [string, string])[];
    // The first one is open.
    talks: readonly Talk[];
}

const en: Scene = {
    gms: [['5001', 'Iris'], ['5002', 'Juno']],
    operators: [['olga', 'gm', '5001,5002'], ['wei', 'gm', '5002'],
        ['vera', 'viewer', '']],
    replies: [
        ['hello', 'Hello {player}, this is {gm}. How can I help?'],
        ['look', 'I am looking into it, one moment please.'],
        ['mailed', 'It is in your mailbox now. Please check it within 7 days.'],
        ['bye', 'Glad that I could help. Have fun!'],
    ],
    talks: [
        { gm: '5001', uid: '710001', host: '1001', ago: 6, lines: [
            ['player', 'Hi, my sword is gone since the update!'],
            ['gm', 'Hello, this is Iris. Which sword was it, and where did you ' +
                'see it last?'],
            ['player', 'The Moonblade +9. I put it into the guild chest last ' +
                'night, and today the chest is empty.'],
            ['gm', 'I can see it in the log: it was moved to your own storage ' +
                'when the chest was made larger.'],
            ['player', 'oh! where do I find that?'],
            ['gm', 'Speak to the keeper beside the fountain, and choose ' +
                '“Old storage”.'],
            ['player', 'Found it, thank you so much!! ❤️'],
            ['player', 'One more thing: my brother lost his shield the same way.'],
        ] },
        { gm: '5001', uid: '710002', host: '1001', ago: 14, lines: [
            ['player', 'I paid for 600 gems and got nothing'],
            ['player', 'order 2231-88, an hour ago'] ] },
        { gm: '5002', uid: '720001', host: '1002', ago: 11, lines: [
            ['player', 'Someone is using a bot in the northern mine'] ] },
        { gm: '5002', uid: '720002', host: '1002', ago: 3, lines: [
            ['gm', 'Your name was changed.'],
            ['player', 'It still shows the old one to my friends'] ] },
        { gm: '5001', uid: '730001', host: '1003', ago: 2, lines: [
            ['player', '你好，请问活动几点开始？'] ] },
        { gm: '5001', uid: '710377', host: '1001', ago: 22, lines: [
            ['player', 'Thanks, it works again'],
            ['gm', 'Glad that I could help. Have fun!'] ] },
        { gm: '5002', uid: '720290', host: '1002', ago: 47, lines: [
            ['player', 'Can I move my character to another server?'],
            ['gm', 'Yes: from next Monday on, once a month.'] ] },
        { gm: '5001', uid: '730094', host: '1003', ago: 65, lines: [
            ['player', 'The quest of the lost cat does not end'],
            ['gm', 'I have set it back, please take it again.'] ] },
        { gm: '5001', uid: '710555', host: '1001', ago: 130, lines: [
            ['gm', 'It is in your mailbox now.'] ] },
    ],
};

const zh: Scene = {
    gms: [['5001', '艾丽丝'], ['5002', '朱诺']],
    operators: [['王芳', 'gm', '5001,5002'], ['李娜', 'viewer', '']],
    replies: [['您好', '您好 {player}，我是 {gm}，请问有什么可以帮您？'],
        ['稍等', '正在为您查看，请稍等。']],
    talks: [
        { gm: '5001', uid: '710001', host: '1001', ago: 6, lines: [
            ['player', '您好，更新以后我的剑不见了！'],
            ['gm', '您好，我是艾丽丝。请问是哪一把剑，最后一次在哪里看到的？'],
            ['player', '月光剑 +9，昨晚放进了公会仓库，今天仓库是空的。'],
            ['gm', '查到了：仓库扩容时，它被移到了您的个人旧仓库。'],
            ['player', '啊，旧仓库在哪里？'],
            ['gm', '请找喷泉旁边的管理员，选择“旧仓库”。'],
            ['player', '找到了，太感谢了！！'],
            ['player', '还有一件事：我弟弟的盾牌也这样不见了。'],
        ] },
        { gm: '5001', uid: '710002', host: '1001', ago: 14, lines: [
            ['player', '我充值了 600 钻石，没有到账'],
            ['player', '订单号 2231-88，一个小时以前'] ] },
        { gm: '5002', uid: '720001', host: '1002', ago: 11, lines: [
            ['player', '北方矿洞里有人用外挂'] ] },
        { gm: '5002', uid: '720002', host: '1002', ago: 3, lines: [
            ['gm', '您的名字已经改好了。'],
            ['player', '可是好友看到的还是旧名字'] ] },
        { gm: '5001', uid: '730001', host: '1003', ago: 2, lines: [
            ['player', '请问活动几点开始？'] ] },
        { gm: '5001', uid: '710377', host: '1001', ago: 22, lines: [
            ['player', '谢谢，可以用了'], ['gm', '不客气，祝您游戏愉快！'] ] },
        { gm: '5002', uid: '720290', host: '1002', ago: 47, lines: [
            ['player', '可以转服吗？'], ['gm', '可以，下周一开始，每月一次。'] ] },
    ],
};

export const SCENES = { en, zh } as const;
