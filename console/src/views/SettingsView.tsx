import type { Signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { LANGUAGES, words } from '../i18n/index.js';
import { allowDesktop, sound } from '../notice.js';
import { settings } from '../settings.js';

export function SettingsView() {
    const w = words.value;
    const [denied, setDenied] = useState(false);
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
