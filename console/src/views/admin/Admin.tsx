import { words } from '../../i18n/index.js';
import { ADMIN_PAGES, type AdminPage } from '../../route.js';
import { mayActAtAll, mayAdminister } from '../../store/rights.js';
import type { Me } from '../../types.js';
import { go, route, useDesk } from '../../ui.js';
import { AccountsPage } from './AccountsPage.js';
import { AuditPage } from './AuditPage.js';
import { CannedPage } from './CannedPage.js';
import { CountersPage } from './CountersPage.js';
import { HostsPage } from './HostsPage.js';
import { OperatorsPage } from './OperatorsPage.js';

const VIEWS: Readonly<Record<AdminPage, () => preact.JSX.Element>> = {
    accounts: AccountsPage,
    operators: OperatorsPage,
    hosts: HostsPage,
    audit: AuditPage,
    canned: CannedPage,
    counters: CountersPage,
};

function mayOpen(page: AdminPage, me: Me): boolean {
    return page === 'counters' || mayAdminister(me) ||
        (page === 'canned' && mayActAtAll(me));
}

export function Admin() {
    const me = useDesk().me.value!;
    const place = route.value;
    const pages = ADMIN_PAGES.filter((page) => mayOpen(page, me));
    const wanted = place.view === 'admin' ? place.page : 'accounts';
    const page = pages.includes(wanted) ? wanted : pages[0]!;
    const w = words.value;
    const View = VIEWS[page];
    const titles: Readonly<Record<AdminPage, string>> = {
        accounts: w.accounts,
        operators: w.operators,
        hosts: w.hosts,
        audit: w.audit,
        canned: w.cannedReplies,
        counters: w.counters,
    };

    return (
        <main class="admin">
            <nav aria-label={w.admin}>
                {pages.map((one) => (
                    <button key={one} class="tab"
                        aria-current={one === page ? 'page' : undefined}
                        onClick={() => go({ view: 'admin', page: one })}>
                        {titles[one]}</button>
                ))}
            </nav>
            <section id="conversation" tabIndex={-1}>
                <h2>{titles[page]}</h2>
                <View key={page} />
            </section>
        </main>
    );
}
