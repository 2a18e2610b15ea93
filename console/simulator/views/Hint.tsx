import { hintOpen } from '../stage.js';
import { simWords } from '../words/index.js';

export function Hint() {
    const w = simWords.value;

    return (
        <section class="hint" aria-labelledby="hint-title">
            <h2 id="hint-title">{w.hintTitle}</h2>
            <ol>
                {w.hint.map((step) => <li key={step}>{step}</li>)}
            </ol>
            <button onClick={() => { hintOpen.value = false; }}>
                {w.hintClose}</button>
        </section>
    );
}
