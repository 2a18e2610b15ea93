import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { LANGUAGES, words } from '../i18n/index.js';
import { allowDesktop, desktopState, sound } from '../notice.js';
import { settings } from '../settings.js';
import { isUnnamed } from '../store/rights.js';
import { dialog, useDesk } from '../ui.js';

export function SettingsView() {
    const w = words.value;
    const me = useDesk().me.value;
    // Taken back in the browser since it was chosen here?
    const [denied, setDenied] = useState(
        settings.desktop.value && desktopState() !== 'granted');
    const desktop = async (yes: boolean) => {
        settings.desktop.value = yes && await allowDesktop();
        setDenied(yes && !settings.desktop.value);
    };

    return (
        <div class="form">
            <label>{w.chooseLanguage}
                <select value={settings.language.value} onChange={(event) => {
                    settings.language.value = event.currentTarget.value as
                        'auto' | 'en' | 'zh';
                }}>
                    <option value="auto">{w.automatic}</option>
                    {Object.entries(LANGUAGES).map(([name, its]) => (
                        <option key={name} value={name} lang={name}>
                            {its.language}</option>
                    ))}
                </select>
            </label>
            <label>{w.theme}
                <select value={settings.theme.value} onChange={(event) => {
                    settings.theme.value = event.currentTarget.value as
                        'auto' | 'light' | 'dark';
                }}>
                    <option value="auto">{w.themes.auto}</option>
                    <option value="light">{w.themes.light}</option>
                    <option value="dark">{w.themes.dark}</option>
                </select>
            </label>
            <fieldset>
                <legend>{w.notices}</legend>
                <Choice name={w.noticeTitle} of={settings.title} />
                <Choice name={w.noticeSound} of={settings.sound}
                    changed={() => sound()} />
                <label class="choice">
                    <input type="checkbox" checked={settings.desktop.value}
                        onChange={(event) =>
                            void desktop(event.currentTarget.checked)} />
                    {w.noticeDesktop}
                </label>
                {denied && <p class="bad" role="alert">{w.noticeDenied}</p>}
            </fieldset>
            <Choice name={w.singleKeys} of={settings.singleKeys} />
            <p class="quiet about-me">
                {me !== undefined && !isUnnamed(me) &&
                    <>{me.operator} · {w.roles[me.role]}<br /></>}
                {w.zone(Intl.DateTimeFormat().resolvedOptions().timeZone)}
            </p>
            <div class="actions">
                <button onClick={() => { dialog.value = 'help'; }}>{w.help}</button>
            </div>
        </div>
    );
}

function Choice({ name, of, changed }: {
    name: string; of: Signal<boolean>; changed?: () => void;
}) {
    return (
        <label class="choice">
            <input type="checkbox" checked={of.value} onChange={(event) => {
                of.value = event.currentTarget.checked;
                changed?.();
            }} />
            {name}
        </label>
    );
}
