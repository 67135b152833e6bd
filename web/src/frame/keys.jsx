// The keys, and what they do. Those of a card work while a card has the focus.
const rows = [
    ["↑ ↓ ← →", "go from card to card"],
    ["Enter", "open the card"],
    ["Space", "select the card"],
    ["Shift ← →", "move the card to the column beside"],
    ["m", "move the card…"],
    ["e", "edit the card"],
    ["/", "search"],
    ["n", "new task"],
    ["Esc", "close, or select nothing"],
];

export function KeyTable() {
    return (
        <table class="keys">
            <caption class="field-label">Keys on the board</caption>
            <tbody>
                {rows.map(([keys, text]) => (
                    <tr key={keys}>
                        <th scope="row">
                            <kbd>{keys}</kbd>
                        </th>
                        <td>{text}</td>
                    </tr>
                ))}
            </tbody>
        </table>
    );
}
