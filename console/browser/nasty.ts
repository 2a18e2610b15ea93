// Texts that people may put wherever there is room for text.

// What would be an element, a script or an address, where it is taken for one.
export const MARKUP: readonly string[] = [
    '<img src=x onerror="window.owned=1;alert(1)">',
    '<script>window.owned=1;alert(1)</script>',
    '</textarea></title></script><svg onload="window.owned=1">',
    '<style>*{display:none}</style><base href="//elsewhere.example/">',
    '<a href="javascript:window.owned=1">press</a>',
    '"><iframe srcdoc="<script>parent.owned=1</script>"></iframe>',
    '&lt;b&gt; &amp; &#60;i&#62; {{constructor}} ${owned=1} %3Cimg%3E',
    'javascript:window.owned=1',
];

export const LONG_WORD = 'W'.repeat(3000);

// What turns, hides or breaks lines. The desk shows it as it is.
export const STRANGE: readonly string[] = [
    'one \u202Ethgir ot tfel\u202C two \u2067שלום\u2069 مرحبا',
    'zero\u200Bwidth\u200D\uFEFF\u2060joined\u00AD',
    'bell \u0007 escape \u001B[31m red \u007F \u0085 line\u2028separator',
    'Z\u0335\u0321\u0322a\u0334\u0341l\u0336\u0353g\u0337\u0359o\u0338' +
        '\u0300\u0301\u0302\u0303\u0304'.repeat(40),
    '👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇳',
    ' \t leading and trailing \n\n\n ',
    LONG_WORD,
];

// Base64 of bytes that are not UTF-8: a half of a surrogate pair, an end that is cut
// off, a zero byte; and what the desk shows in their place.
export const BROKEN: readonly (readonly [string, string])[] = [
    [Buffer.from([0x61, 0xED, 0xA0, 0x80, 0x62]).toString('base64'),
        'a\uFFFD\uFFFD\uFFFDb'],
    [Buffer.from([0x61, 0xE4, 0xB8]).toString('base64'), 'a\uFFFD'],
    [Buffer.from([0xFF, 0x3C, 0x62, 0x3E]).toString('base64'), '\uFFFD<b>'],
];

// A name of 1 to 256 bytes without control characters.
export const NASTY_NAME =
    '<img src=x onerror="window.owned=1">\u202E{player}$&<b>';

export const NASTY_OPERATOR = '<script>owned=1<\u200B/script> & co';
