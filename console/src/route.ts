// The place in the page, kept behind the # of its address.

export const ADMIN_PAGES = ['accounts', 'operators', 'hosts', 'audit', 'canned',
    'counters'] as const;

export type AdminPage = typeof ADMIN_PAGES[number];

export type Route =
    | { view: 'desk' }
    | { view: 'conversation'; gm: string; uid: string }
    | { view: 'admin'; page: AdminPage };

export function parseRoute(hash: string): Route {
    const [view, first = '', second = ''] =
        hash.replace(/^#\/?/, '').split('/');

    if (view === 'c' && /^\d{1,19}$/.test(first) && /^\d{1,19}$/.test(second)) {
        return { view: 'conversation', gm: first, uid: second };
    }
    if (view === 'admin') {
        const page = ADMIN_PAGES.find((one) => one === first);

        return { view: 'admin', page: page ?? 'accounts' };
    }
    return { view: 'desk' };
}

export function hashOf(route: Route): string {
    switch (route.view) {
    case 'conversation':
        return `#/c/${route.gm}/${route.uid}`;
    case 'admin':
        return `#/admin/${route.page}`;
    default:
        return '#/';
    }
}
