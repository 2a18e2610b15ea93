import { words } from '../i18n/index.js';
import { KEYS, nameOf, type Command } from '../keys.js';

// Made of the keyboard map itself.
export function Help() {
    const w = words.value;
    const commands = [...new Set(KEYS.map((key) => key.command))];

    return (
        <dl class="keys">
            {commands.map((command) => (
                <div key={command}>
                    <dt><Names command={command} /></dt>
                    <dd>{w.keys[command]}</dd>
                </div>
            ))}
        </dl>
    );
}

function Names({ command }: { command: Command }) {
    const keys = KEYS.filter((key) => key.command === command);

    return (
        <>
            {keys.map((key, place) => (
                <span key={nameOf(key)}>
                    {place > 0 && ` ${words.value.orKey} `}
                    <kbd>{nameOf(key)}</kbd>
                </span>
            ))}
        </>
    );
}
