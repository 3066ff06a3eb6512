"""elnes-lab card and physics: to a file, to standard output, for programs."""

import json

from elnes_lab.cli.program import main


def test_reports_are_written_and_replaced_but_no_file_of_another(built, tmp_path, capsys):
    database = ["--database", str(built)]
    for command, title in (("card", "# Data card"), ("physics", "# Physics review")):
        file = tmp_path / f"{command}.md"
        assert main([command, str(file), *database]) == 0 == main([command, str(file), *database])
        written = file.read_text()
        capsys.readouterr()
        assert written.startswith(title) and main([command, *database]) == 0
        assert capsys.readouterr().out == written
        file.write_text("# Mine")
        assert main([command, str(file), *database]) == 2 and "exists already" in capsys.readouterr().err
        assert file.read_text() == "# Mine"
        assert main([command, str(file), "--overwrite", *database]) == 0 and file.read_text() == written
        capsys.readouterr()
        assert main([command, "--json", *database]) == 0
        strict = lambda word: (_ for _ in ()).throw(ValueError(word))
        assert json.loads(capsys.readouterr().out, parse_constant=strict)["structures"] == 3
