// Signs of buttons, drawn in the colour of the text beside them.

const PATHS = {
    add: 'M10 4v12M4 10h12',
    find: 'M8.500 3.500a5 5 0 1 1 0 10 5 5 0 0 1 0-10zM12.200 12.200 17 17',
    settings: 'M3 6h7m4 0h3M3 14h3m4 0h7M14 6a2 2 0 1 1-4 0 2 2 0 0 1 4 0z' +
        'M10 14a2 2 0 1 1-4 0 2 2 0 0 1 4 0z',
    help: 'M7.300 7.300a2.750 2.750 0 1 1 4 2.700c-.9.5-1.300 1-1.300 2M10 15.200v.1',
    back: 'M12.500 4 6.500 10l6 6',
    close: 'M5 5l10 10M15 5 5 15',
    down: 'M10 4v11M5 10.500l5 5 5-5',
    chats: 'M3.500 4.500h9a1.500 1.500 0 0 1 1.500 1.500v4a1.500 1.500 0 0 1-1.500 1.500H7l-3.500 3z' +
        'M16.500 8v7.500l-2.500-2H9.500',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
    return (
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d={PATHS[name]} />
        </svg>
    );
}
