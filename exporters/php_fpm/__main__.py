"""`python -m exporters.php_fpm`."""

from exporters.php_fpm.cli import main

main()
