import { render } from "preact";
import { Page } from "./page.tsx";
import "./styles/page.css";

const place = document.getElementById("page");
if (place !== null) render(<Page />, place);
