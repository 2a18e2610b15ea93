import { words } from '../i18n/index.js';
import { mayActAtAll } from '../store/rights.js';
import { useDesk } from '../ui.js';
import { Accounts } from './Accounts.js';
import { Conversations } from './Conversations.js';
import { ConversationView } from './ConversationView.js';

export function DeskView() {
    const desk = useDesk();
    const open = desk.open.value;

    return (
        <main class={`desk ${open === undefined ? '' : 'has-open'}`}>
            <div class="side">
                <Accounts />
                <Conversations />
            </div>
            <section class="talk" id="conversation" tabIndex={-1}
                aria-label={words.value.messages}>
                {open === undefined
                    ? <Nothing />
                    : <ConversationView key={`${open.gm}:${open.uid}`}
                        gm={open.gm} uid={open.uid} />}
            </section>
        </main>
    );
}

function Nothing() {
    const me = useDesk().me.value;
    const w = words.value;

    return (
        <div class="alone">
            <p>{w.pick}</p>
            {me !== undefined && !mayActAtAll(me) &&
                <p class="quiet">{w.readOnly}</p>}
        </div>
    );
}
