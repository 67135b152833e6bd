// A component that is drawn again only when one of its properties is another one.
import { Component, createElement } from "preact";

export function memo(inner) {
    return class Memo extends Component {
        shouldComponentUpdate(next) {
            const before = this.props;
            return Object.keys(next).some((name) => next[name] !== before[name]);
        }

        render(props) {
            return createElement(inner, props);
        }
    };
}
