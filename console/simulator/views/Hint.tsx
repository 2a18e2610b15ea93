import { hintOpen, useStage } from '../stage.js';
import { simWords } from '../words/index.js';

export function Hint() {
    const { world } = useStage();
    const w = simWords.value;

    return (
        <section class="hint" aria-labelledby="hint-title">
            <h2 id="hint-title">{w.hintTitle}</h2>
            <ol>
                {w.hint.map((step) => <li key={step}>{step}</li>)}
            </ol>
            <p>
                <button class="small main"
                    onClick={() => { hintOpen.value = false; }}>
                    {w.hintClose}</button>
                <button class="small" title={w.forgetHint}
                    onClick={() => world.forget()}>{w.forget}</button>
            </p>
        </section>
    );
}
